# The operators' page: everything that the gateway serves of it.
PAGE_FILES = \
	gateway/operate/page/index.html gateway/operate/page/page.css gateway/operate/page/icon.svg \
	gateway/operate/page/acts.js gateway/operate/page/dialog.js gateway/operate/page/elements.js \
	gateway/operate/page/language.js gateway/operate/page/listing.js gateway/operate/page/map.js \
	gateway/operate/page/page.js gateway/operate/page/parts.js gateway/operate/page/plot.js \
	gateway/operate/page/server.js gateway/operate/page/texts-de.js gateway/operate/page/texts-en.js \
	gateway/operate/page/view-certificates.js gateway/operate/page/view-dead.js \
	gateway/operate/page/view-destinations.js gateway/operate/page/view-history.js \
	gateway/operate/page/view-journal.js gateway/operate/page/view-message.js \
	gateway/operate/page/view-overview.js gateway/operate/page/view-search.js \
	gateway/operate/page/view-system.js
