# Adapters of message brokers, and what they share: a thread, and the way to the broker.
ADAPTER_BROKER = \
	adapters/common/bring.c adapters/common/bring.h \
	adapters/common/broker.c adapters/common/broker.h \
	adapters/common/courier.c adapters/common/courier.h \
	adapters/common/file.c adapters/common/file.h \
	adapters/common/outgoing.c adapters/common/outgoing.h \
	adapters/common/reach.c adapters/common/reach.h \
	adapters/common/tls.c adapters/common/tls.h

if ADAPTER_AMQP
adapter_LTLIBRARIES += adapters/amqp.la
noinst_LTLIBRARIES += libamqp.la
libamqp_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_BODY) $(ADAPTER_BROKER) \
	adapters/amqp/amqp.c adapters/amqp/amqp.h \
	adapters/amqp/amqp_in.c \
	adapters/amqp/amqp_out.c \
	adapters/amqp/line.c adapters/amqp/line.h
libamqp_la_CPPFLAGS = $(AM_CPPFLAGS) $(AMQP_CFLAGS) $(OPENSSL_CFLAGS)
libamqp_la_LIBADD = $(AMQP_LIBS) $(OPENSSL_LIBS) -lpthread
adapters_amqp_la_SOURCES =
adapters_amqp_la_LIBADD = libamqp.la
adapters_amqp_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

UNIT_TESTS += tests/unit/adapter_amqp
tests_unit_adapter_amqp_SOURCES = tests/unit/adapter_broker.c $(ADAPTER_HOST)
tests_unit_adapter_amqp_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) \
	-DSCHEME='"amqp"' -DREQUIRED='"routing-key"' -DSOURCE_REQUIRED='"queue"' -DWRONG='""'
tests_unit_adapter_amqp_LDADD = libunit.la libamqp.la -lpthread
endif

if ADAPTER_MQTT
adapter_LTLIBRARIES += adapters/mqtt.la
noinst_LTLIBRARIES += libmqtt.la
libmqtt_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_BODY) $(ADAPTER_BROKER) \
	adapters/mqtt/mqtt.c adapters/mqtt/mqtt.h \
	adapters/mqtt/mqtt_in.c \
	adapters/mqtt/mqtt_out.c \
	adapters/mqtt/session.c adapters/mqtt/session.h
libmqtt_la_CPPFLAGS = $(AM_CPPFLAGS) $(MQTT_CFLAGS) $(OPENSSL_CFLAGS)
libmqtt_la_LIBADD = $(MQTT_LIBS) $(OPENSSL_LIBS) -lpthread
adapters_mqtt_la_SOURCES =
adapters_mqtt_la_LIBADD = libmqtt.la
adapters_mqtt_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

UNIT_TESTS += tests/unit/adapter_mqtt
tests_unit_adapter_mqtt_SOURCES = tests/unit/adapter_broker.c $(ADAPTER_HOST)
tests_unit_adapter_mqtt_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS) \
	-DSCHEME='"mqtt"' -DREQUIRED='"topic"' -DSOURCE_REQUIRED='"topics"' -DWRONG='"a/+"'
tests_unit_adapter_mqtt_LDADD = libunit.la libmqtt.la -lpthread
endif
