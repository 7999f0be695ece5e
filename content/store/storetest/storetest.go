// Package storetest is the contract of content/store, as tests.
//
// Records of any kind go through the same few operations on two databases, and
// what an application relies on is in the corners: what counts as changed, what
// stays when a record comes back, who sees what. [Run] holds each of these
// promises against a database; the list in it reads as a table of contents.
//
// The package also has the types and helpers that bulk and property tests build
// on: see [Open].
package storetest

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
)

// A test gets a World with an organization of its own.
type test struct {
	name string
	run  func(t *testing.T, w *World)
}

// Run runs the suite on a migrated database. Each test works in organizations of
// its own, so they also show that organizations do not meet.
func Run(t *testing.T, db *database.DB) {
	w := Open(t, db)
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Upsert", []test{
			{"counts what it did", upsertCounts},
			{"stores every kind of value", upsertKinds},
			{"fills in the record of each row", upsertRecord},
			{"lets the last of duplicates count", upsertDuplicates},
			{"keeps id and created_at", upsertKeeps},
			{"queues for indexing only what changed in the index", upsertQueues},
			{"writes all rows again for a new version", upsertVersion},
			{"restores a deleted record under its id", upsertRestores},
			{"keeps instances apart", upsertInstances},
			{"keeps organizations apart", upsertOrganizations},
			{"never changes kept fields and links", upsertKept},
			{"takes more rows than a statement has variables", upsertMany},
			{"takes no rows", upsertNothing},
			{"leaves nothing behind when rolled back", upsertRollback},
			{"takes the caller's hash", upsertHash},
			{"indexes in its transaction", upsertIndex},
			{"refuses what Check refuses", upsertRefuses},
			{"is safe beside itself", upsertConcurrently},
			{"does not lose a deletion beside it", upsertBesideDelete},
		}},
		{"Check", []test{
			{"refuses what a database cannot hold", checkRefuses},
			{"lets pass what both hold", checkAccepts},
		}},
		{"Get", []test{
			{"finds by id and by key", getFinds},
			{"finds nothing deleted, foreign or impossible", getNothing},
		}},
		{"List", []test{
			{"has defaults", listDefaults},
			{"finds keywords in titles", listKeyword},
			{"applies every operator to every kind", listOperators},
			{"combines filters", listCombines},
			{"refuses bad queries", listRefuses},
			{"pages by limit and offset", listPages},
			{"orders with empty values last", listOrders},
			{"goes on behind a cursor", listCursors},
			{"orders by the beginning of long titles", listLongTitles},
			{"refuses cursors of other queries", listForeignCursors},
			{"survives made-up cursors", listBadCursors},
		}},
		{"Select", []test{
			{"gives chosen columns in their Go types", selectColumns},
			{"gives all readable columns by default", selectAll},
		}},
		{"Count", []test{
			{"counts under filters", countFilters},
			{"counts groups", countGroups},
			{"computes declared statistics", countStatistics},
			{"lists ids and children", countIDs},
		}},
		{"Index queue", []test{
			{"holds what is new or changed", queuePending},
			{"keeps what changed meanwhile", queueChanged},
			{"marks all or none", queueAll},
		}},
		{"Links", []test{
			{"are resolved from keys", linksResolve},
			{"follow a record that moves", linksMove},
			{"wait for records that are missing", linksWait},
			{"may point at the record itself or at a deleted one", linksSelf},
			{"stay in their organization and instance", linksApart},
			{"are written in chunks and only when they differ", linksChunks},
		}},
		{"Delete", []test{
			{"hides records from every read", deleteHides},
			{"orphans children", deleteOrphans},
			{"cascades through levels and circles", deleteCascades},
			{"is blocked by children", deleteBlocked},
			{"would do what it does", deleteWould},
			{"passes over what is foreign, gone or impossible", deleteForeign},
			{"of an organization takes everything along", deleteOrganization},
		}},
		{"Purge", []test{
			{"removes what was deleted before", purgeRemoves},
			{"clears links and keeps their keys", purgeLinks},
			{"passes over restored records", purgeRestored},
		}},
		{"Seen", []test{
			{"tells repetitions from retries", seenRepeats},
			{"finds what a source no longer has", seenMissing},
			{"counts what is live", seenLive},
			{"is dropped in parts", seenDrop},
		}},
		{"Scope", []test{
			{"is checked by every method", scopeChecked},
		}},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) { test.run(t, w.Fresh(t)) })
			}
		})
	}
}
