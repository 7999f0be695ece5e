// Package sample holds the export that the quickstart imports when it is given
// no files: a newcomer has no Salesforce organization at hand, and one that
// exists is nobody's to publish.
//
// It is a weekly data export of an invented company that sells to the US
// government: 60 accounts, 150 contacts and 120 opportunities in two parts, with
// the quirks of real exports.
package sample

import "embed"

//go:generate go run ./generate

// Files holds the parts WE_<organization>_<n>.ZIP. Its files are io.ReaderAt.
//
//go:embed *.ZIP
var Files embed.FS
