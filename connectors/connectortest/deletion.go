package connectortest

import (
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
)

func (x *suite) dryRun() {
	x.clear()
	before := x.rows()
	options := x.Options
	options.DryRun = true
	x.must(x.Task(), x.files(), options)
	if diff := cmp.Diff(before, x.rows()); diff != "" {
		x.t.Error("a dry run has written:", diff)
	}
}

// keepsAll imports and checks that nothing is gone, however it ends.
func (x *suite) keepsAll(what string, files []connectors.File) {
	x.t.Helper()
	before := x.live()
	result, err := x.run(x.Task(), files, x.Options)
	x.noFewer(fmt.Sprintf("%s (%v, %v)", what, result, err), before)
}

func (x *suite) empty() {
	x.round(nil)
	x.Empty()
	x.keepsAll("an empty source", x.files())
}

func (x *suite) garbage() {
	for what, body := range map[string]string{"a sign-in page": "<html><body>Sign in</body></html>", "no JSON": `{"value": [`, "an empty object": "{}", "a list": "[]", "null": "null"} {
		x.round(nil)
		said := "application/json"
		if body[0] == '<' {
			said = "text/html"
		}
		x.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) {
			return answer(req, http.StatusOK, http.Header{"Content-Type": {said}}, text(body)), nil
		})
		x.keepsAll(what, x.files())
		x.spoiler.set(nil)
	}
}

// cutFiles hands over files whose end is missing, and then files of nothing.
func (x *suite) cutFiles() {
	for what, share := range map[string]int64{"files cut in half": 2, "files without their last byte": 0, "empty files": -1} {
		x.round(nil)
		files := x.files()
		for i, f := range files {
			size := max(0, f.Size-1)
			switch {
			case share > 0:
				size = f.Size / share
			case share < 0:
				size = 0
			}
			files[i].Size, files[i].ReaderAt = size, io.NewSectionReader(f.ReaderAt, 0, size)
		}
		x.keepsAll(what, files)
	}
}

// missingParts leaves out each part but the last, of which nobody can tell that there
// was one, and then all.
func (x *suite) missingParts() {
	x.round(nil)
	for i := range len(x.files()) - 1 {
		files := x.files()
		x.keepsAll(fmt.Sprintf("without part %d", i+1), append(files[:i:i], files[i+1:]...))
	}
	x.keepsAll("without any", nil)
}
