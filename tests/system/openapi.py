#!/usr/bin/env python3
"""openapi: what the gateway answers to operators is what its own description says, for every operation."""

import http.client
import json
import threading
import uuid

from harness import (PATIENCE, QUICK, Answer, World, client_tls, configuration, destination, element, equal,
                     folder_destination, partner, route, wait_for)
from tap import Skip, run, test

try:
    import jsonschema
except ImportError:
    jsonschema = None

PORTAL = "wuppertal-portal"
# Whose certificates they show: an operator who may see contents, one who may not, a viewer, and a partner, who is
# nobody here.
ANNA, OTTO, VERA, NOBODY = "remscheid-registry", "remscheid-planning", "solingen-registry", PORTAL
DEAD_SOON = dict(QUICK, give_up="1s", first="100ms", longest="200ms")
WHY = {"why": "because the test says so"}
STATUS = {"$ref": "status.schema.json"}
UNKNOWN = "00000000-0000-7000-8000-000000000000"
# What cannot be brought about here: faults, too much to do, a full disk.
RARE = {"429", "500", "503", "507"}


class Described(World):
    """A gateway with operators, and its description."""

    def __enter__(self):
        if not jsonschema:
            raise Skip("there is no python3-jsonschema")
        self.city_system = self.city("city", certificate="remscheid-registry")
        self.status_port = self.free_port()
        self.main = self.gateway(self.text())
        self.document = json.loads(self.ask("/openapi.json").expect(200).body)
        self.status_schema = json.loads(self.ask("/status.schema.json").expect(200).body)
        self.seen = {}
        return self

    def text(self):
        operators = [element("operator", name="anna.beispiel", role="operator", contents="true",
                             certificate=self.pki / f"{ANNA}-tls.pem"),
                     element("operator", name="otto.beispiel", role="operator",
                             certificate=self.pki / f"{OTTO}-tls.pem"),
                     element("operator", name="vera.beispiel", certificate=self.pki / f"{VERA}-tls.pem")]
        known = [destination("main", self.city_system, DEAD_SOON),
                 folder_destination("files", self.folder / "outbox")]
        return configuration(self, partners=[partner(self.pki, PORTAL)], destinations=known,
                             routes=[route(f"test:{name}", name) for name in ("main", "files")],
                             extra=element("status", address=f"*:{self.status_port}") + "".join(operators))

    def ask(self, path, who=ANNA, method="GET", body=None, first_line=False, **headers):
        """One request on a connection of its own. first_line: of a stream, which has no end."""
        connection = http.client.HTTPSConnection("localhost", self.status_port, timeout=20 * PATIENCE,
                                                 context=client_tls(self.pki, who))
        try:
            if body is not None and not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            connection.request(method, path, body, {key.replace("_", "-"): value for key, value in headers.items()})
            response = connection.getresponse()
            if first_line and response.status == 200:
                return Answer(response, b"".join(response.readline() for _ in range(3)))
            return Answer(response, response.read())
        finally:
            connection.close()

    # What is described.

    def operations(self):
        """(path, method, operation) of all."""
        return [(path, method, operation) for path, operations in self.document["paths"].items()
                for method, operation in operations.items()]

    def resolved(self, value):
        if "$ref" not in value:
            return value
        found = self.document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found

    def validate(self, value, schema):
        # Each schema is put together as one document: the library's versions differ in how they follow references
        # from one document into another.
        whole = self.status_schema if schema == STATUS else {**schema, "components": self.document["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)

    def check(self, path, method, answer):
        """Fails unless the answer is one that is described; remembers that it came."""
        operation = self.document["paths"][path][method]
        what = f"{method} {path}: {answer}"
        assert str(answer.status) in operation["responses"], f"{what} is not described"
        response = self.resolved(operation["responses"][str(answer.status)])
        self.seen.setdefault((path, method), set()).add(str(answer.status))
        content = response.get("content")
        if not content:
            equal(answer.body, b"", what)
            return answer
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in content, f"{what} has the type {kind}, which is not described"
        schema = content[kind].get("schema")
        if schema and kind.endswith("json"):
            self.validate(json.loads(answer.body), schema)
        return answer

    def call(self, path, method="get", who=ANNA, body=None, query="", values=None, **headers):
        """Asks for a path of the description, and checks what comes."""
        place = path.format(**{"id": UNKNOWN, "name": "main", "file": "page.css", **(values or {})}) + query
        if method == "post":
            headers.setdefault("Content_Type", "application/json")
        return self.check(path, method, self.ask(place, who, method.upper(), body, path == "/events", **headers))

    def act(self, path, body, **values):
        """An act with a body that is as described."""
        operation = self.document["paths"][path]["post"]
        self.validate(body, operation["requestBody"]["content"]["application/json"]["schema"])
        return self.call(path, "post", body=body, values=values)

    def look(self, path, query="", **values):
        return json.loads(self.call(path, query=query, values=values).expect(200).body)

    # Messages.

    def send(self, reader):
        _, text = self.signed("wuppertal", f"test:{reader}")
        return self.client().post(text).expect(201).id

    def in_state(self, identifier, state):
        def found():
            deliveries = self.look("/messages/{id}", id=identifier)["deliveries"]
            return next((one for one in deliveries if one["state"] == state), None)

        return wait_for(found, f"{identifier} is {state}", 20)

    def dead(self):
        """A message that was given up, and how its delivery looks."""
        self.city_system.change("--refuse", "400")
        identifier = self.send("main")
        delivery = self.in_state(identifier, "dead")
        self.city_system.change()
        return identifier, {name: delivery[name] for name in ("state", "attempts")}


@test("the description is complete in itself: names, summaries, roles, and schemas that are schemas")
def itself(world):
    assert world.document["openapi"].startswith("3.1."), world.document["openapi"]
    names = [operation["operationId"] for _, _, operation in world.operations()]
    equal(len(set(names)), len(names))
    for path, method, operation in world.operations():
        assert operation["summary"] and operation["x-muengsten-role"] in ("none", "viewer", "operator"), path
        assert method == "get" or operation["requestBody"]["required"], path
        wanted = {word[1:-1] for word in path.split("/") if word.startswith("{")}
        parameters = [world.resolved(one) for one in operation.get("parameters", ())]
        equal({one["name"] for one in parameters if one["in"] == "path"}, wanted, path)
        for one in parameters:
            jsonschema.Draft202012Validator.check_schema(one["schema"])
        for response in operation["responses"].values():
            assert world.resolved(response)["description"]
    for schema in world.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@test("whatever can be looked at is as described")
def looking(world):
    identifier = world.send("files")
    world.in_state(identifier, "delivered")
    for path in ("/", "/{file}", "/openapi.json", "/status.schema.json"):
        tag = world.call(path).expect(200).headers["ETag"]
        world.call(path, If_None_Match=tag).expect(304)
    for path in ("/whoami", "/healthz", "/readyz", "/status", "/metrics"):
        world.call(path).expect(200)
    for path in ("/healthz", "/readyz"):
        world.call(path, who=NOBODY).expect(200)
    events = world.call("/events").expect(200).body.decode().splitlines()
    equal(events[0], "event: status")
    world.validate(json.loads(events[1].removeprefix("data: ")), STATUS)
    wait_for(lambda: world.look("/history")["step_seconds"], "there is a history")
    found = world.look("/messages")
    equal([one["id"] for one in found["messages"]], [identifier])
    message = found["messages"][0]
    for parameter in ("uuid", "id", "author", "reader", "type", "partner"):
        equal(len(world.look("/messages", f"?{parameter}={message[parameter]}")["messages"]), 1, parameter)
    equal(len(world.look("/messages", "?state=delivered&destination=files&from=2020-01-01&limit=1")["messages"]), 1)
    equal(world.look("/messages", f"?uuid={uuid.uuid4()}")["messages"], [])
    equal(len(world.look("/messages/{id}", id=identifier)["trace"]), 2)
    assert world.call("/messages/{id}/content", values={"id": identifier}).expect(200).body.startswith(b"<")
    equal(world.look("/messages/{id}/remains", id=identifier)["message"], True)
    page = world.look("/journal", "?from=1&limit=2")
    equal((len(page["entries"]), page["next"]), (2, 3))
    assert world.look("/journal", f"?message={identifier}")["entries"]


@test("whatever can be done is answered as described, and whoever has seen something else is told")
def acting(world):
    identifier, seen = world.dead()
    world.act("/messages/{id}/retry", {**WHY, "seen": seen, "destination": "main"}, id=identifier).expect(200)
    world.in_state(identifier, "delivered")
    for path in ("/messages/{id}/retry", "/messages/{id}/cancel"):
        world.act(path, {**WHY, "seen": seen}, id=identifier).expect(409, "act.conflict")
    identifier, seen = world.dead()
    equal(json.loads(world.act("/messages/{id}/cancel", {**WHY, "seen": seen}, id=identifier).expect(200).body)
          ["delivery"]["state"], "cancelled")
    identifier, seen = world.dead()
    world.act("/messages/{id}/move", {**WHY, "seen": seen, "to": "files"}, id=identifier).expect(200)
    world.act("/messages/{id}/move", {**WHY, "seen": seen, "destination": "main", "to": "files"},
              id=identifier).expect(409, "act.conflict")
    world.in_state(identifier, "delivered")
    world.act("/messages/{id}/erase", {**WHY, "cancel": True}, id=identifier).expect(200)
    gone = world.call("/messages/{id}", values={"id": identifier}).expect(404, "message.unknown").problem
    for entry in gone["journal"]:
        world.validate(entry, {"$ref": "#/components/schemas/Entry"})
    paused = json.loads(world.act("/destinations/{name}/pause", WHY, name="main").expect(200).body)
    equal((paused["paused_by"]["by"], paused["paused_by"]["why"]), ("anna.beispiel", WHY["why"]))
    waiting = world.send("main")
    world.act("/messages/{id}/erase", WHY, id=waiting).expect(409, "act.open")
    world.act("/destinations/{name}/pause", WHY, name="main")
    world.act("/destinations/{name}/resume", WHY, name="main").expect(200)
    world.act("/destinations/{name}/resume", WHY, name="main")
    world.in_state(waiting, "delivered")
    world.dead()
    equal(json.loads(world.act("/destinations/{name}/retry-dead", WHY, name="main").expect(200).body)["revived"], 1)


@test("a reload is answered as described, whether it is applied or refused")
def reloading(world):
    equal(json.loads(world.act("/reload", WHY).expect(200).body)["configuration"],
          world.look("/status")["configuration"]["hash"])
    good = world.main.config_file.read_text(encoding="utf-8")
    world.main.config_file.write_text(good.replace('to="files"', 'to="nowhere"'), encoding="utf-8")
    assert world.act("/reload", WHY).expect(422, "reload.refused").problem["problems"]
    world.main.config_file.write_text(good, encoding="utf-8")


@test("a backup comes as described, and another one has to wait for its end")
def backup(world):
    assert len(world.act("/backup", WHY).expect(200).body) > 4096

    def together():
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(world.act("/backup", WHY).code)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "backup.running" in answers

    wait_for(together, "one has come while another was made")


@test("every operation refuses as described: by host, query, role, site, and the form of an act")
def refusing(world):
    for path, method, operation in world.operations():
        body = json.dumps(WHY) if method == "post" else None
        role = operation["x-muengsten-role"]
        world.call(path, method, body=body, Host="attacker.example").expect(421, "http.host")
        world.call(path, method, body=body, query="?nonsense=1").expect(400, "query.invalid")
        world.call(path, method, body=body, query="?" + "x" * 5000).expect(414, "query.too-long")
        world.call(path, method, body=body, Origin="https://attacker.example").expect(403, "access.cross-site")
        if role != "none":
            world.call(path, method, NOBODY, body).expect(403, "access.unknown")
        if role == "operator":
            world.call(path, method, VERA, body).expect(403, "access.role")
        if method == "post":
            world.call(path, method, body=body, Content_Type="text/plain").expect(415, "http.content-type")
            world.call(path, method, body="x" * 70000).expect(413, "http.body-too-large")
            world.call(path, method, body="{}").expect(400, "act.why")
            world.call(path, method, body="[]").expect(400, "act.invalid")
            world.call(path, method, body={**WHY, "nonsense": 1}).expect(400, "act.invalid")


@test("what is not there is not there, in every operation that names something")
def missing(world):
    seen = {"state": "dead", "attempts": 1}
    bodies = {"DeliveryAct": {**WHY, "seen": seen, "destination": "main"}, "Erase": WHY, "Act": WHY,
              "Move": {**WHY, "seen": seen, "destination": "main", "to": "files"}}
    for path, method, operation in world.operations():
        if "{" not in path:
            continue
        # Each another one: the audit trail knows every id that was looked at.
        values = {"id": str(uuid.uuid4()), "name": "nowhere", "file": "nothing.js"}
        if method == "get":
            world.call(path, values=values).expect(404, "http.path" if path == "/{file}" else "message.unknown")
        else:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            equal(world.act(path, bodies[schema], **values).status, 404, path)
    for query in ("?limit=0", "?limit=201", "?state=lost", "?id=1", "?from=yesterday", "?cursor=x", "?author="):
        world.call("/messages", query=query).expect(400, "query.invalid")
    for query in ("?limit=0", "?from=x", "?message=1"):
        world.call("/journal", query=query).expect(400, "query.invalid")


@test("contents, and a backup, which has all of them in it, are refused without the right that the description names")
def contents(world):
    identifier = world.send("files")
    needing = [(path, method) for path, method, operation in world.operations()
               if operation.get("x-muengsten-right") == "contents"]
    equal(sorted(needing), [("/backup", "post"), ("/messages/{id}/content", "get")])
    for path, method in needing:
        body = WHY if method == "post" else None
        world.call(path, method, OTTO, body, values={"id": identifier}).expect(403, "access.contents")
    world.call("/messages/{id}/content", who=VERA, values={"id": identifier}).expect(403, "access.contents")


@test("nothing that is described has been left out: every operation, and every answer that can be brought about")
def whole(world):
    for path, method, operation in world.operations():
        left = set(operation["responses"]) - world.seen.get((path, method), set()) - RARE
        assert not left, f"{method} {path} never answered {sorted(left)}"


run(lambda: Described("openapi"))
