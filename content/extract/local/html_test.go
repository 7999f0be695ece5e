//go:build !race

package local_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// Nothing that stands apart on a page runs together in its text.
func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, html, want string }{
		{"list in a cell", "<table><tr><th>Name<th>Parts<tr><td>x<td><ul><li>one<li>two</ul><hr>after</table>", "| Name | Parts |\n|---|---|\n| x | one<br />two<br />after |"},
		{"layout", "<table><tr><td>a<table><tr><td>1<td>2<tr><td>3<td>4</table><td>b<tr><td>c<td>d</table>", "a\n\n| 1 | 2 |\n|---|---|\n| 3 | 4 |\n\nb\n\nc\n\nd"},
		{"headings", "<table><tr><td><h2>Head</h2>text<td>other</table>", "## Head\n\ntext\n\nother"},
		{"for looks", "<table role=presentation><tr><td>a<td>b</table>", "a\n\nb"},
		{"inside of a letter", "<b><table><tr><td>a<td>b</table></b>", "**a**\n\n**b**"},
		{"one list in a frame", "<table><tr><td><ul><li>a<li>b</ul></table>", "- a\n- b"},
		{"cells that cover others", "<table><tr><th colspan=2>a<th>b<tr><td rowspan=2>1<td>2<td>3<tr><td>4<td>5</table>", "| a |  | b |\n|---|---|---|\n| 1 | 2 | 3 |\n|  | 4 | 5 |"},
		{"forms", "<select><option>red<option>blue</select><details><summary>More</summary>text</details><button>Send</button>", "red\n\nblue\n\nMore\n\ntext\n\nSend"},
		{"XHTML", "<?xml version='1.0'?><html><head><title/><script src='x'/></head><body><p>text", "text"},
		{"not shown", "<script>a</script><style>b</style><template>c</template><noscript>d</noscript><!-- e --><iframe>f</iframe>g", "g"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, read(t, file("a.html", c.html)).Text()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A small page cannot become a large one: by cells that cover millions, a long row over
// many short ones, letters that are opened again in each paragraph, cells as wide as
// the widest, or lists in lists.
func TestPagesStaySmall(t *testing.T) {
	many := strings.Repeat
	fonts := ""
	for i := range 400 {
		fonts += "<font a=" + many("x", i) + ">"
	}
	for name, c := range map[string]struct {
		html string
		most int
	}{
		"a covering cell":   {"<table><tr><td colspan=1000000000 rowspan=100000000>x<td>y<tr><td>z</table>", 100},
		"covering cells":    {"<table>" + many("<tr>"+many("<td colspan=1000 rowspan=60000>x", 300), 300), 1 << 20},
		"a long row":        {"<table><tr>" + many("<td>x", 20_000) + many("<tr><td>y", 20_000), 1 << 20},
		"a wide cell":       {"<table><tr><td>" + many("word ", 20_000) + "<td>b" + many("<tr><td>c<td>d", 2000), 1 << 18},
		"lists in lists":    {many("<ul><li>", 240) + many("<p>x", 1000), 1 << 20},
		"quotes in quotes":  {many("<blockquote>", 400) + many("<p>x", 1000), 1 << 20},
		"letters not ended": {fonts + many("<p>x", 20_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := local.New().Extract(t.Context(), file("a.html", c.html))
			switch s := extract.StatusOf(r, err); {
			case c.most == 0 && s != extract.TooLarge:
				t.Error(s, err)
			case c.most > 0 && (err != nil || len(r.Text()) > c.most || !strings.Contains(r.Text(), "x") && !strings.Contains(r.Text(), "word")):
				t.Errorf("%s, %v", s, err)
			}
		})
	}
	if r := read(t, file("a.html", many("<p><b>x</b> <font color=red>y</font></p>", 10_000))); strings.Count(r.Text(), "y") != 10_000 {
		t.Error("letters that were ended are lost")
	}
}
