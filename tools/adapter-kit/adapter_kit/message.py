"""message: the messages that the check hands out and lets come in. The people in them are invented."""

import time
import uuid

# Stands in the content of every message, and may stand in no log and no error.
SECRET = "Mustermann-4711"

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<service:antrag.weiterleiten.0101 xmlns:service="urn:muengsten:message:service:1">
  <service:nachrichtenUUID>{uuid}</service:nachrichtenUUID>
  <service:antragsteller>
    <service:vorname>Erika</service:vorname>
    <service:familienname>{secret}</service:familienname>
  </service:antragsteller>
  <service:anliegen>{padding}</service:anliegen>
</service:antrag.weiterleiten.0101>
"""
SEAL = b"<seal>as the gateway would write it</seal>\n"


def document(size=0, identifier=None):
    """A document of at least that many bytes."""
    text = DOCUMENT.format(uuid=identifier or uuid.uuid4(), secret=SECRET, padding="")
    padding = "Gewerbeanmeldung " * (max(size - len(text), 0) // 17 + 1)
    return DOCUMENT.format(uuid=identifier or uuid.uuid4(), secret=SECRET, padding=padding).encode("utf-8")


def facts(**changed):
    """What a deliver says of its message."""
    return {"id": str(uuid.uuid4()), "uuid": str(uuid.uuid4()), "profile": "service",
            "typeList": "urn:muengsten:codelist:service-messages", "typeVersion": "1", "typeCode": "0101",
            "typeName": "antrag.weiterleiten.0101", "created": "2026-11-23T09:41:19.880+01:00",
            "author": "ags:05124000", "reader": "ags:05120000", "partner": "wuppertal-portal",
            "accepted": int(time.time() * 1000), **changed}


def parts(content, **attachments):
    """The parts of a message and what is said of them: (name → bytes, name → facts)."""
    data = {"document": content, "seal": SEAL, "original": content}
    said = {"document": {"mediaType": "application/xml", "name": "", "contentId": "document@muengsten"},
            "seal": {"mediaType": "application/xml", "name": "", "contentId": "seal@muengsten"},
            "original": {"mediaType": "application/xml", "name": "", "contentId": ""}}
    for number, (name, attachment) in enumerate(attachments.items()):
        part = f"attachment-{number}"
        data[part] = attachment
        said[part] = {"mediaType": "application/pdf", "name": name, "contentId": f"{part}@muengsten"}
    return data, said
