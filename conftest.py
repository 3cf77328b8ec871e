"""What this project adds to the gate: checks of its own, and a client of its own instead of the reference client.

A check here can be bound to a runbook line; `pytest --golive-checks` lists all that there are::

    from pytest_kraken_golive import check, sabotage

    @sabotage("expected false, found true")
    def live_switched_on(copy):
        copy.edit("config/runtime.yaml", "execution.live.enabled", True)

    @check("live_is_off", breaks=[live_switched_on])
    def live_is_off(runtime_config, evidence):
        found = runtime_config.live_enabled
        evidence.saw(found)
        assert found.value is False, found.unlike(False)

with the runbook line `- Real orders are off. <!-- golive: {id: live-off, check: live_is_off} -->`.

A client of one's own takes the place of the reference client by overriding its fixture; it needs `base_url`,
`api_key_info()` and `get_account_balance()`, and the verdict says that it was overridden::

    import pytest

    @pytest.fixture
    def kraken_client(kraken_sandbox):
        key, secret = kraken_sandbox.credentials
        with MyClient(kraken_sandbox.url, key.get_secret_value(), secret.get_secret_value()) as client:
            yield client
"""
