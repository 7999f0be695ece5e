package salesforcetest

import (
	"cmp"
	"compress/flate"
	"fmt"
)

// Options says what [Generate] writes. The zero value is an export of one part
// with headers only.
type Options struct {
	Seed  uint64 // another seed, other text; ids stay the same
	OrgID string // 18 characters, in the names of the parts; "" is DefaultOrgID

	Accounts, Contacts, Opportunities int // rows, deleted ones included

	// Columns of Account. 0 is 40, the usual ones; more adds custom text columns
	// Custom_1__c and so on. Fewer than 40 is an error.
	Columns int

	// Encoding is "utf-8" (also ""), "utf-8-bom", "windows-1252", "utf-16le" or
	// "utf-16be"; the last two begin with a byte-order mark.
	Encoding string

	Dates DateStyle
	Parts int // zip files that the rows are spread over in order; 0 is 1

	// Quirks adds what real organizations have: deleted rows, links to accounts
	// that are not in the export, a parent behind its child, "NA" as text,
	// padded values, markup, line breaks and quotes in text, an attachment.
	Quirks bool

	// Edition 0 is the first export. In another edition every tenth row differs
	// from edition 0 in its text and its time of modification, for tests of
	// importing again.
	Edition int

	// Level is the deflate level; 0 is flate.BestSpeed.
	Level int
}

// DefaultOrgID names the organization of a generated export.
const DefaultOrgID = "00Dbm00000QmZ4kEAF"

// DateStyle is the way in which dates and booleans are written.
type DateStyle int

const (
	Weekly     DateStyle = iota // 2026-02-23 20:55:00, 0 and 1: the weekly export
	ISO                         // 2026-02-23T20:55:00.000Z, true and false: the API
	MonthFirst                  // 02/23/26 08:55 PM, TRUE and FALSE: reports in the USA
	DayFirst                    // 23/02/2026 20:55, TRUE and FALSE: reports elsewhere
)

// usualColumns is the number of Account's columns without padding.
var usualColumns = len(accountHeader)

func (o Options) withDefaults() (Options, error) {
	o.OrgID = cmp.Or(o.OrgID, DefaultOrgID)
	o.Columns = cmp.Or(o.Columns, usualColumns)
	o.Encoding = cmp.Or(o.Encoding, "utf-8")
	o.Parts = cmp.Or(o.Parts, 1)
	o.Level = cmp.Or(o.Level, flate.BestSpeed)
	if o.Columns < usualColumns {
		return o, fmt.Errorf("generate export: %d columns are fewer than Account's usual %d", o.Columns, usualColumns)
	}
	if o.Parts < 1 || min(o.Accounts, o.Contacts, o.Opportunities) < 0 {
		return o, fmt.Errorf("generate export: negative numbers in %+v", o)
	}
	return o, nil
}

// Sample is the export that the quickstart carries.
func Sample() Options {
	return Options{
		Seed: 1, Accounts: 60, Contacts: 150, Opportunities: 120,
		Parts: 2, Quirks: true, Level: flate.BestCompression,
	}
}
