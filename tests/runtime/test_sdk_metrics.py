from datetime import timedelta

from prometheus_client import CollectorRegistry

from runtime.sdk_metrics import SdkMetrics


async def test_series_keep_the_labels_that_temporal_gives_them_and_count_on_between_scrapes():
    sdk, registry = SdkMetrics(), CollectorRegistry()
    registry.register(sdk)
    value = registry.get_sample_value
    requests = sdk.runtime.metric_meter.create_counter("temporal_request", "Requests")
    pollers = sdk.runtime.metric_meter.create_gauge("temporal_pollers")
    latency = sdk.runtime.metric_meter.create_histogram_timedelta("temporal_latency", "Latency", "duration")

    requests.add(2, {"operation": "Start"})
    requests.add(1, {"operation": "Start", "status": "UNAVAILABLE"})
    await sdk.drain_round()
    requests.add(1, {"operation": "Start"})
    pollers.set(3, {"task_queue": "a"})
    pollers.set(1, {"task_queue": "a"})
    latency.record(timedelta(milliseconds=30))
    latency.record(timedelta(seconds=30))

    assert value("temporal_request_total", {"operation": "Start"}) == 3
    assert value("temporal_request_total", {"operation": "Start", "status": "UNAVAILABLE"}) == 1
    assert value("temporal_pollers", {"task_queue": "a"}) == 1
    assert value("temporal_latency_seconds_bucket", {"le": "0.05"}) == 1
    assert value("temporal_latency_seconds_bucket", {"le": "60.0"}) == 2
    assert value("temporal_latency_seconds_sum") == 30.03
