# The operators' page: everything that the gateway serves of it.
PAGE_FILES = gateway/operate/page/index.html
