// Package content turns a declaration of a kind of record into everything that
// the rest of curatore needs to know about it.
//
// Data from a CRM, a notice feed and a folder of files has nothing in common
// but this: there are kinds of records, each with fields, a key in its source,
// a title, perhaps a text and a parent. Written out in code for every kind,
// that knowledge ends up in two dozen places which drift apart. Here it is
// said once, as a struct with tags given to [Define] (or a list of fields given
// to [DefineDynamic]), and becomes a [Type]: plain data from which tables,
// search documents, filters, JSON Schemas and pages are derived.
//
// The package has no input or output and no global state. A [Registry] is a
// value that holds the Types of one program and reports every mistake in them
// at once. A [Scope] says for which organization a call is made.
package content
