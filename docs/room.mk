# docs: the map, the handbooks, the man pages.
dist_man_MANS += docs/muengsten-config.5 docs/muengstend.8
EXTRA_DIST += docs/architecture.md docs/errors.md
