package sharepoint

import (
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
)

// place is where an item stands.
type place struct {
	Site    string `db:"site" content:"facet" description:"Host and path of the site."`
	Library string `db:"library" content:"facet"`
	DriveID string `db:"drive_id" content:"filter,unindexed" description:"Id of the library in Microsoft Graph."`
	Path    string `db:"path" content:"search" description:"From the top of the library, with the name."`
}

// author is who made and changed an item, and when.
type author struct {
	CreatedAtSource  *time.Time `db:"source_created_at" content:"sort,unindexed" label:"Created in SharePoint"`
	CreatedBy        *string    `db:"created_by" content:"filter,unindexed"`
	ModifiedAtSource *time.Time `db:"source_modified_at" content:"sort,filter,unindexed" label:"Modified in SharePoint"`
	ModifiedBy       *string    `db:"modified_by" content:"filter,unindexed"`
}

// Folder is a folder of a library. The top of a library is one too.
type Folder struct {
	content.Record
	Key       string  `db:"item_key" content:"key" label:"Item key"`
	Name      string  `db:"name" content:"title,sort"`
	ParentKey *string `db:"parent_key" content:"filter,unindexed"`
	ParentID  *string `db:"parent_folder_id" content:"parent=sharepoint_folder,from=parent_key,unindexed"`
	place
	WebURL *string `db:"web_url" content:"url"`
	ETag   *string `db:"etag" content:"metadata"`
	author
}

// Document is a file of a library.
type Document struct {
	content.Record
	Key       string  `db:"item_key" content:"key" label:"Item key"`
	ParentKey *string `db:"parent_key" content:"filter,unindexed"`
	FolderID  *string `db:"folder_id" content:"parent=sharepoint_folder,from=parent_key,unindexed"`
	place
	asset.File
	MIMEType  *string `db:"mime_type" content:"metadata" label:"MIME type in SharePoint"`
	Extension *string `db:"extension" content:"facet"`
	WebURL    *string `db:"web_url" content:"url"`
	ETag      *string `db:"etag" content:"metadata"`
	CTag      *string `db:"ctag" content:"metadata" description:"Changes with what the file holds."`
	author
}

var folders = content.Define(content.Spec[Folder]{
	Name: "sharepoint_folder", Label: "Folder", FormalName: "SharePoint Folder", Display: map[string]string{"search": "SharePoint Folder"},
	Description: "A folder of a SharePoint library.", Icon: "folder", Color: "teal",
	Children: []content.Child{
		{Type: "sharepoint_folder", Relation: "folders", Label: "Folders", OnDelete: content.Block},
		{Type: "sharepoint_document", Relation: "documents", Label: "Documents", OnDelete: content.Block},
	},
	Statistics: []content.Statistic{{Name: "total"}, {Name: "by_library", GroupBy: "library"}},
})

var documents = content.Define(content.Spec[Document]{
	Name: "sharepoint_document", Label: "Document", FormalName: "SharePoint Document", Display: map[string]string{"search": "SharePoint Document"},
	Description: "A file of a SharePoint library, with its text.", Icon: "document", Color: "teal",
	TextFormat: content.FormatMarkdown,
	Statistics: []content.Statistic{{Name: "total"}, {Name: "by_library", GroupBy: "library"}, {Name: "by_extension", GroupBy: "extension"}, {Name: "by_extraction", GroupBy: "extraction_status"}},
})
