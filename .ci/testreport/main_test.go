package main

import (
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	const start = `{"Action":"start","Package":"p"}` + "\n"
	const ok = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
`
	const end = `{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	const skip = `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:4: no network\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
`
	const fail = `{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
`
	const endFailed = `{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`
	cases := []struct {
		name, in, want string
		ok             bool
	}{
		{"passes", start + ok + end, "ok  \tp\t0.1s\n\npackages: 1, time: 2s\n1 passed, 0 failed, 0 skipped\n", true},
		{"a skip says why", start + ok + skip + end,
			"skip\tp TestB\n    b_test.go:4: no network\nok  \tp\t0.1s\n\npackages: 1, time: 2s\n1 passed, 0 failed, 1 skipped\n", true},
		{"twice counts once", start + ok + skip + end + start + ok + skip + end,
			"skip\tp TestB\n    b_test.go:4: no network\nok  \tp\t0.1s\nok  \tp\t0.1s\n\npackages: 1, time: 2s\n1 passed, 0 failed, 1 skipped\n", true},
		{"a failure prints its output and counts though it passed later", start + ok + fail + endFailed + start + strings.ReplaceAll(ok, "TestA", "TestB") + end,
			"    b_test.go:9: got 1, want 2\nFAIL\tp\t0.1s\nok  \tp\t0.1s\n\nfailed:\n  p TestB\n\npackages: 1, time: 2s\n1 passed, 1 failed, 0 skipped\n", false},
		{"a package that does not build", `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined\n"}` + "\n" + start + endFailed,
			"p.go:1: undefined\nFAIL\tp\t0.1s\n\nfailed:\n  p (outside of a test that ended)\n\npackages: 1, time: 2s\n0 passed, 1 failed, 0 skipped\n", false},
		{"a test that never ended", start + ok + `{"Action":"output","Package":"p","Test":"TestB","Output":"panic: oh\n"}` + "\n" + endFailed,
			"panic: oh\nFAIL\tp\t0.1s\n\nfailed:\n  p (outside of a test that ended)\n\npackages: 1, time: 2s\n1 passed, 1 failed, 0 skipped\n", false},
		{"no test files", start + ok + end + `{"Action":"start","Package":"q"}` + "\n" + `{"Action":"skip","Package":"q"}` + "\n",
			"ok  \tp\t0.1s\n\npackages: 1, time: 2s\n1 passed, 0 failed, 0 skipped\n", true},
		{"nothing ran", "go: warning\n", "go: warning\n\npackages: 0, time: 2s\n0 passed, 0 failed, 0 skipped\n", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(c.in)); err != nil {
				t.Fatal(err)
			}
			if ok := r.close(2 * time.Second); ok != c.ok || out.String() != c.want {
				t.Errorf("ok is %v, want %v; printed\n%s\nwant\n%s", ok, c.ok, out.String(), c.want)
			}
		})
	}
}
