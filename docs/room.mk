# docs: manual pages and what explains the project
dist_man_MANS += docs/muengsten-config.5
