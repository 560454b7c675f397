public let name = "Celery"
