// Package connectors brings records from where they live into typed tables, and
// keeps them in step with their source.
//
// Each source differs in how its records are fetched and read. What comes after
// is the same for all, and is where home-made imports lose data: batches and
// transactions, telling new from changed from unchanged, a record that cannot
// be read, an interrupted run, a file that is only half there and must not
// delete the other half, links between records that arrive in any order,
// indexing what changed and nothing else. A [Connection] supplies the first
// part, in one file; the [Engine] does the rest.
//
// A connection is a [Spec] with the record types and an Open function, which
// makes a [Session] for one organization and one set of settings. A session has
// a [Stream] for each type: an iterator over records. Functions that a model may call
// follow from the types; those that ask the service itself are made by [Define].
package connectors
