"""FastAPI's side of the benchmark: a request that stores a task and answers."""

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from tasks import nothing

application = FastAPI(openapi_url=None)


# Not async: storing the task blocks its thread, as Celery's clients do.
@application.get("/stored", response_class=PlainTextResponse)
def stored():
    nothing.delay(1)
    return "done"
