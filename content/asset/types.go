package asset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
)

// The sources of the connections of this module, which are the groups of their
// assets.
const (
	Upload     = "upload"
	SharePoint = "sharepoint"
	SAM        = "sam"
	Web        = "scrape"
)

// An Asset is a file of any connection: uploaded, kept in a library, attached to a
// notice, linked to by a page. All connections share the Type, so that the files of
// an organization are listed, filtered and searched together. Key, Source and File
// are always set, the rest as far as the source knows it.
type Asset struct {
	content.Record
	Key              string     `db:"asset_key" content:"key" label:"Key" description:"Source and id, such as upload:contracts/lease.pdf."`
	Source           string     `db:"source" content:"group,facet" description:"Where it comes from: upload, sharepoint, sam, scrape or another connection."`
	Path             string     `db:"path" content:"filter,search" description:"Where it stands in its source, with its name."`
	Folder           string     `db:"folder" content:"facet" description:"The folder of the path."`
	Collection       string     `db:"collection" content:"facet" description:"What it is kept in: a library, a website."`
	URL              string     `db:"url" content:"url,filter" description:"Where its source shows it."`
	Part             string     `db:"part" content:"filter,unindexed" description:"Id of what its source lists as a whole, such as a library."`
	ParentKey        string     `db:"parent_key" content:"filter,unindexed" description:"Key of the record that it belongs to: a folder, a notice, a page."`
	FolderID         *string    `db:"folder_id" content:"link=sharepoint_folder,from=parent_key,optional,unindexed"`
	NoticeID         *string    `db:"notice_id" content:"link=sam_notice,from=parent_key,optional,unindexed"`
	PageID           *string    `db:"page_id" content:"link=scraped_asset,from=parent_key,optional,unindexed"`
	Version          string     `db:"source_version" content:"hidden,unindexed"` // by which the source tells whether the bytes have changed
	SourceCreatedAt  *time.Time `db:"source_created_at" content:"sort,filter,unindexed" label:"Created in its source"`
	CreatedBy        string     `db:"created_by" content:"filter,unindexed"`
	SourceModifiedAt *time.Time `db:"source_modified_at" content:"sort,filter,unindexed" label:"Modified in its source"`
	ModifiedBy       string     `db:"modified_by" content:"filter,unindexed"`
	Details          Details    `db:"details" content:"metadata,unindexed" description:"What else its source says of it."`
	File
}

// Details are JSON that only one source has, kept as they are. Write them in one
// way (sorted keys), else each import is a change.
type Details = json.RawMessage

// An ExtractionResult says how the text of an asset was read. It follows from the
// asset, whose companion it is: no connection makes one by itself.
type ExtractionResult struct {
	content.Record
	Key        string  `db:"asset_key" content:"key" label:"Key of the asset"`
	AssetID    *string `db:"asset_id" content:"parent=asset,from=asset_key"`
	Source     string  `db:"source" content:"group,facet"`
	Path       string  `db:"path" content:"filter"`
	Filename   string  `db:"filename" content:"filter" label:"File name"`
	SHA256     string  `db:"sha256" content:"unindexed" label:"SHA-256" description:"Of the version that was read."`
	Characters int64   `db:"characters" content:"unindexed" description:"Length of the text in bytes."`
	Extraction
}

// Companions returns the result of the asset's extraction, if there was one. It
// makes an *Asset what package connectors calls accompanied.
func (a *Asset) Companions() []content.Row {
	if a.Status == "" {
		return nil
	}
	e := a.Extraction
	e.Locations = nil // the asset has them
	return []content.Row{&ExtractionResult{Key: a.Key, Source: a.Source, Path: a.Path, Filename: a.Filename, SHA256: a.SHA256, Characters: int64(len(a.Text)), Extraction: e}}
}

// maxKey is what is stored of a key; see store.MaxKey.
const maxKey = 255

// Document is what is indexed of an asset: its folder, so that files are found by
// it, and the text.
func (a *Asset) Document() content.Document {
	d := a.File.Document()
	d.URL = a.URL
	if a.Folder == "" {
		return d
	}
	head := "Folder: " + a.Folder + "\n\n"
	d.Text, d.Locations = head+d.Text, slices.Clone(d.Locations)
	for i := range d.Locations {
		d.Locations[i].Offset += len(head)
	}
	return d
}

// Key returns the key of a source's asset: the source, a colon, and its id there. A
// key that would be too long ends in a hash instead.
func Key(source, id string) string {
	key := source + ":" + id
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return key[:len(source)+1] + "#" + hex.EncodeToString(sum[:])
}

// Type returns the Type "asset" for a connection whose assets have this source. The
// connection declares [ResultType] too.
func Type(source string) *content.Type { return assets.Share(source) }

// ResultType returns the Type "extraction_result" for a connection whose assets
// have this source.
func ResultType(source string) *content.Type { return results.Share(source) }

// Types returns all Types that connections share, for what keeps their tables.
func Types() []*content.Type { return []*content.Type{assets, results} }

var assets = content.Define(content.Spec[Asset]{
	Name: "asset", Label: "File", FormalName: "Asset", Icon: "file", Color: "blue", Group: "file",
	Description: "A file from any source, with its text: uploaded, in a library, attached to a notice, linked to by a page. Earlier versions are kept.",
	TextFormat:  content.FormatMarkdown, History: true,
	Document:   (*Asset).Document,
	Children:   []content.Child{{Type: "extraction_result", Relation: "extractions", Label: "Extraction", OnDelete: content.Cascade}},
	Statistics: []content.Statistic{{Name: "total"}, {Name: "bytes", Sum: "size"}, {Name: "by_source", GroupBy: "source"}, {Name: "by_extraction", GroupBy: "extraction_status"}, {Name: "by_type", GroupBy: "content_type"}, {Name: "by_collection", GroupBy: "collection"}},
})

var results = content.Define(content.Spec[ExtractionResult]{
	Name: "extraction_result", Label: "Extraction", FormalName: "Extraction Result", Icon: "file", Color: "gray", Group: "file",
	Description: "How the text of a file was read: by what, whether it went well, and why not.",
	Text:        content.TextLinked, TextFrom: "asset_id", TextFormat: content.FormatMarkdown, History: true,
	Title:      func(r *ExtractionResult) string { return "Extraction of " + r.Filename },
	Document:   func(*ExtractionResult) content.Document { return content.Document{Unlisted: true} }, // the asset is found
	Statistics: []content.Statistic{{Name: "by_status", GroupBy: "extraction_status"}},
})
