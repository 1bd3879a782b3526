# schemas: the project's own message families, and messages of them to try the gateway with
schemasdir = $(pkgdatadir)/schemas
dist_schemas_DATA = schemas/service.xsd schemas/register.xsd
dist_schemas_DATA += schemas/header-g2g.xsd schemas/header-authority.xsd
dist_schemas_DATA += schemas/header-communication.xsd

samplesdir = $(schemasdir)/samples
dist_samples_DATA = schemas/samples/service-0101.xml schemas/samples/service-0102.xml
dist_samples_DATA += schemas/samples/register-0201.xml
dist_schemas_DATA += schemas/muengsten-config.xsd schemas/seal.xsd schemas/status.schema.json
