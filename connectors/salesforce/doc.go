// Package salesforce imports Salesforce's weekly data export: accounts, contacts
// and opportunities.
//
// A Salesforce organization without an API budget still has an export: once a
// week, zip files with a CSV for each object. They are awkward to use: several
// parts, encodings and date forms that depend on settings and tools, hundreds of
// files of which some have nearly the right name, links by ids of two lengths,
// deleted rows among the living. This package reads all parts of an export at
// once, decides such questions for the export as a whole (package export), and
// declares the records as typed tables that can be searched and queried.
package salesforce

//go:generate go test . -run TestMigrationFiles -update
