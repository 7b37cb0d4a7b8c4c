import psycopg
from builders import a_stored_operation

from domain.callback_retries import DeliveryStatus
from domain.errors import OperationCancelled
from domain.operation import OperationFailure
from services.ending import end_failed
from services.lookup import LookupService
from services.redelivery import RedeliveryService
from storage.unit_of_work import Storage

DELIVERED = "UPDATE callback_deliveries SET status = 'DELIVERED', finished_at = now() WHERE operation_id = %s"


async def test_a_redelivery_answers_what_it_wrote_even_when_the_call_is_made_at_once(storage: Storage, database_dsn):
    operation = await a_stored_operation(storage, callback_url="https://hooks.bank.example/proposals")
    await end_failed(storage, operation.operation_id, OperationFailure.of(OperationCancelled))

    def deliver_at_once(_start: object) -> None:
        with psycopg.connect(database_dsn) as connection:
            assert connection.execute(DELIVERED, [operation.operation_id]).rowcount == 1

    redelivery = RedeliveryService(storage, LookupService(storage), deliver_at_once)
    answered = await redelivery.redeliver(operation.operation_id, client="local", by="ops_1")

    assert answered.delivery is not None
    assert (answered.delivery.status, answered.delivery.redelivered_by) == (DeliveryStatus.PENDING, "ops_1")
    read = await redelivery.log(operation.operation_id, client="local")
    assert read.delivery is not None
    assert read.delivery.status is DeliveryStatus.DELIVERED
