// Package curatore brings scattered data into one place inside a Go program:
// imported, searchable, and callable by language models.
//
// What an organization knows lies in a CRM, in feeds of notices, in libraries of
// documents. A program that wants to use it needs tables, an import that keeps
// them in step, a search index, and functions that a model can call; done anew
// for each source, these are a couple of dozen edits, some of which are always
// forgotten. Here a source is one declaration, a connection, and [Open] derives
// the rest from it or lists what is wrong with it.
//
// Open gives a [Curator] for one database. [Curator.Organization] gives an
// [Organization], and everything else is bound to it: Import, Search, Get, List,
// Query, Stats, Functions. No call can reach another organization's data.
package curatore
