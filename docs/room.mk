# docs: the map, the handbooks, the man pages of the gateway and of its adapters.
dist_man_MANS += \
	docs/muengsten-amqp.5 docs/muengsten-config.5 docs/muengsten-mailbox.5 docs/muengsten-mqtt.5 \
	docs/muengsten-sftp.5 docs/muengsten-smtp.5 docs/muengstend.8
dist_doc_DATA = \
	README.md CONTRIBUTING.md LICENSE \
	docs/adapter-protocol.md docs/architecture.md docs/audit.md docs/errors.md docs/operations.md \
	docs/page.png docs/seals.md docs/writing-adapters.md
