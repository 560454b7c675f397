print("the guide of the application")
