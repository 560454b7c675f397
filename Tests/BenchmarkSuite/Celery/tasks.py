"""Celery's side of the benchmark: a task that does nothing, and that a worker repeats if it dies before the end.

Each request's thread has a connection to the broker of its own, and a worker takes many of these short tasks in advance.
"""

import os

from celery import Celery

celery = Celery("tasks", broker=os.environ["BROKER"])
celery.conf.update(
    broker_pool_limit=64,
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_disable_rate_limits=True,
    worker_prefetch_multiplier=64,
)


@celery.task
def nothing(number):
    pass
