print("the settings of the application")
