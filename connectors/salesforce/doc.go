// Package salesforce imports Salesforce's weekly data export, or what has changed
// over the Bulk API 2.0: accounts, contacts, opportunities, and any other object.
//
// A Salesforce organization without an API budget still has an export: once a
// week, zip files with a CSV for each object. They are awkward to use: several
// parts, encodings and date forms that depend on settings and tools, hundreds of
// files of which some have nearly the right name, links by ids of two lengths,
// deleted rows among the living. This package reads all parts of an export at
// once, decides such questions for the export as a whole (package export), and
// declares the records as typed tables that can be searched and queried.
//
//	c, err := curatore.Open(ctx, config, salesforce.New())
//	org, err := c.Organization(ctx, "acme", principal)
//	run, err := org.ImportFiles(ctx, "salesforce", "WE_…_1.ZIP", "WE_…_2.ZIP")
//
// With [Options].API an import needs no files: it asks for what has changed since the
// last one, deleted rows included, and waits for limits.
package salesforce

//go:generate go test . -run TestMigrationFiles -update
