"""Reservations follow the clock that test controls move."""

from tests.servers import Server
from tests.testing.made import making


def test_a_reservation_ends_by_the_clock_of_its_organization(controlled: Server) -> None:
    with making(controlled) as made:
        queue = made.request("POST", "/model-hub/annotation-queues/", json={"name": "Q", "status": "active"}).json()
        items = f"/model-hub/annotation-queues/{queue['id']}/items/"
        source = {"source_type": "trace", "source_id": made.body["sources"]["trace"]}
        made.request("POST", f"{items}add-items/", json={"items": [source]})
        [item] = made.request("GET", items).json()["results"]
        reserved = made.request("POST", f"{items}{item['id']}/reserve/", json={}).json()
        held = made.request("GET", f"{items}{item['id']}/").json()
        assert held["reservation_expires_at"] == reserved["reserved_until"]
        made.set_clock(now="2999-01-01T00:00:00Z")
        assert made.request("GET", f"{items}{item['id']}/").json()["reserved_by"] is None
        renewed = made.request("POST", f"{items}{item['id']}/reserve/", json={}).json()
        assert renewed["reserved_until"] == "2999-01-01T00:30:00.000000Z"
