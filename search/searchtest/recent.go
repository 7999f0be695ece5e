package searchtest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
)

// A search of an index at rest goes by what was seen last; what another process
// has changed since is found all the same, by each search that begins after it.
func testOtherProcess(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	other := f.Reopen()
	f.Put(org, Doc(0, "Zero", "common words"))
	for round := range 8 {
		for range 3 { // by the third search nothing has changed between two
			diff(t, "at rest", round+1, f.Search(org, search.Query{Text: "common "}).Total)
		}
		other.Put(org, Doc(round+1, "More", "common words that came"))
		diff(t, "put elsewhere", round+2, len(f.Search(org, search.Query{Text: "common "}).Hits))
		f.Search(org, search.Query{Text: "common "})
		f.Search(org, search.Query{Text: "common "})
		switch round % 3 {
		case 0:
			word := fmt.Sprint("changed", round)
			other.Put(org, Doc(round+1, "More", "common words "+word))
			diff(t, "changed elsewhere", 1, f.Search(org, search.Query{Text: word + " "}).Total)
		case 1:
			other.Merge(org)
			diff(t, "merged elsewhere", round+2, f.Search(org, search.Query{Text: "common "}).Total)
		}
	}
}

// A hit says on which page of its source the words of the query stand.
func testLocations(t *testing.T, f *Fixture) {
	org := f.Organization("acme")
	page := func(word string) string {
		return strings.Repeat("Some text about nothing. ", 3) + word + " is here.\n\n"
	}
	d := Doc(1, "Report", "")
	for i, word := range []string{"apples", "pears", "plums"} {
		d.Locations = append(d.Locations, content.Location{Offset: len(d.Text), Label: "page " + string(rune('1'+i))})
		d.Text += page(word)
	}
	d.Text = "bad \xff\x00 bytes " + d.Text // which change in length when they are stored
	for i := range d.Locations {
		d.Locations[i].Offset += len("bad \xff\x00 bytes ")
	}
	long := Doc(2, "Book", "")
	for i := range 20 {
		long.Locations = append(long.Locations, content.Location{Offset: len(long.Text), Label: "chapter " + string(rune('a'+i))})
		long.Text += strings.Repeat("A sentence that goes on for a while. ", 30) + "word" + string(rune('a'+i)) + " stands here.\n\n"
	}
	f.Put(org, d, long, Doc(3, "Plain", "cherries"))
	for word, want := range map[string]string{"apples ": "page 1", "pears ": "page 2", "plums ": "page 3", "plums pears here ": "page 2", "cherries ": "",
		"worda ": "chapter a", "wordk ": "chapter k", "wordt ": "chapter t"} {
		hit := f.Search(org, search.Query{Text: word, Passages: 1}).Hits[0]
		diff(t, word, []string{want, want}, []string{hit.Location, hit.Passages[0].Location})
	}
}
