// Package sharepoint imports folders and documents from SharePoint, through
// Microsoft Graph.
//
// A library is listed completely once, and then asked for what has changed
// (delta): new, changed, renamed, moved and deleted items, of which a folder may
// come after what is in it, and an item several times. Change logs expire (410),
// sites are locked, download addresses last an hour, sizes of Office files are
// wrong, and all libraries of a credential share one limit. This package keeps the
// place of each library in the transaction of what came before it, lists one anew
// whose log is lost and deletes only what that listing proves gone, lets a library
// that cannot be read be, and downloads what has changed by its tag, then by its
// bytes. An item keeps its identity when it is renamed or moved. Folders are records
// (sharepoint_folder), documents are assets below them, and one that could not be had
// is tried again by the next import.
//
//	sharepoint.New(sharepoint.Settings{
//		Tenant: "contoso.onmicrosoft.com", ClientID: "…", ClientSecret: "env:SHAREPOINT",
//		Sites:     []sharepoint.Site{{Host: "contoso.sharepoint.com", Path: "sites/bids"}},
//		Extractor: local.New(), // the text of the documents
//	})
//
// The least permission is Sites.Selected, granted for each site; Sites.Read.All is
// enough for all of them.
package sharepoint

//go:generate go test . -run TestMigrationFiles -update
