# debian: the packages for Debian 12 and later, built by dpkg-buildpackage.
EXTRA_DIST += \
	debian/changelog debian/control debian/copyright debian/not-installed debian/rules debian/source/format \
	debian/muengsten.dirs debian/muengsten.install debian/muengsten.lintian-overrides \
	debian/muengsten.postinst debian/muengsten.postrm debian/muengsten.prerm \
	debian/muengsten-adapter-amqp.install debian/muengsten-adapter-mqtt.install \
	debian/muengsten-adapter-sftp.install debian/muengsten-adapter-smtp.install \
	debian/muengsten-dev.install debian/muengsten-dev.lintian-overrides debian/muengsten-tools.install
