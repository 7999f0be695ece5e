package sharepoint

import (
	"encoding/json"
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

var folders = content.Define(content.Spec[Folder]{
	Name: "sharepoint_folder", Label: "Folder", FormalName: "SharePoint Folder", Display: map[string]string{"search": "SharePoint Folder"},
	Description: "A folder of a SharePoint library.", Icon: "folder", Color: "teal",
	Children: []content.Child{
		{Type: "sharepoint_folder", Relation: "folders", Label: "Folders", OnDelete: content.Block},
		{Type: "asset", Relation: "documents", Label: "Documents", OnDelete: content.Block},
	},
	Statistics: []content.Statistic{{Name: "total"}, {Name: "by_library", GroupBy: "library"}},
})

// documents are the files of libraries. What only SharePoint has of them stands in
// their details.
var documents = asset.Type(asset.SharePoint)

// details are written in the order of their names.
type details struct {
	CTag     string `json:"ctag,omitempty"` // changes with what the file holds
	ETag     string `json:"etag,omitempty"`
	ID       string `json:"id"`
	Library  string `json:"library"`
	MIMEType string `json:"mime_type,omitempty"`
	Site     string `json:"site"`
}

func (d details) json() asset.Details {
	b, _ := json.Marshal(d) // texts always encode
	return b
}

func detailsOf(d *asset.Asset) (v details) {
	_ = json.Unmarshal(d.Details, &v) // what this package has not written is as good as none
	return v
}
