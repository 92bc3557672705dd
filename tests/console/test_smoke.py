"""x"""
import pytest
from django.urls import reverse

def test_pages(cast, clients, browse):
    b = browse(cast.ada)
    from carefund.runs.models import Run
    run = Run.objects.first()
    for name, kw in [("home",{}),("clients",{}),("account",{}),("password",{}),("two-factor",{}),("runs",{}),("run-new",{}),("administration",{}),("connections",{}),("schedules",{}),("access-log",{}),("people",{}),("person-new",{}),
        ("client",{"client_id":clients[0].pk}),("client",{"client_id":clients[11].pk}),("plan",{"client_id":clients[0].pk}),("synchronise",{"client_id":clients[0].pk}),("client-changes",{"client_id":clients[0].pk}),("client-syncs",{"client_id":clients[0].pk}),("as-of",{"client_id":clients[0].pk}),("run",{"run_id":run.pk}),("run-csv",{"run_id":run.pk}),("clients-csv",{}),("synchronise-run",{"client_id":clients[0].pk,"run_id":run.pk}),("person",{"user_id":cast.ben.pk})]:
        r = b.get(reverse("console:"+name, kwargs=kw))
        print(name, r.status_code)
        assert r.status_code == 200, name
