package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// References reach what the program allows, and nothing else of the machine.
func TestLocalSecrets(t *testing.T) {
	dir := t.TempDir()
	secrets := filepath.Join(dir, "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{filepath.Join(dir, "outside"): "no", filepath.Join(secrets, "key"): " canary-1 \n", filepath.Join(secrets, "empty"): ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "outside"), filepath.Join(secrets, "link")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CURATORE_SECRET_SAM", "canary-2")
	t.Setenv("DATABASE_URL", "canary-3")
	t.Setenv("MY_X", "canary-4")
	local := connectors.LocalSecrets{Dir: secrets}
	for ref, want := range map[string]string{"file:key": "canary-1", "env:SAM": "canary-2", "file:../outside": "", "file:link": "", "file:/etc/passwd": "", "file:none": "",
		"env:DATABASE_URL": "", "env:NONE": "", "vault:x": "", "key": ""} {
		got, err := local.Secret(t.Context(), ref)
		if (err == nil) != (want != "") || got.Reveal() != want {
			t.Errorf("%s: %q, %v", ref, got.Reveal(), err)
		}
		if strings.Contains(fmt.Sprint(got, err), "canary") {
			t.Errorf("%s shows: %v %v", ref, got, err)
		}
	}
	// What was typed in, and only looks like a reference, is not shown either.
	c := connectors.New(connectors.Spec[keyed]{Name: "shop", Label: "Shop", Types: []*content.Type{content.Define(content.Spec[customer]{Name: "customer", Label: "Customer"})},
		Open: func(ctx context.Context, in connectors.Input[keyed]) (connectors.Session, error) {
			_, err := in.Secret(ctx, in.Settings.Key)
			return nil, err
		}})
	auth := content.NewAuthority()
	found, err := (&connectors.Engine{Auth: auth, Secrets: local}).Test(t.Context(), auth.Mint("acme", "test"), c, connectors.Options{Settings: []byte(`{"url": "x:", "key": "ann:canary-5"}`)})
	if err != nil || len(found) == 0 || strings.Contains(fmt.Sprint(found), "canary") || !strings.Contains(fmt.Sprint(found), "secret ann:…") {
		t.Errorf("%v %v", found, err)
	}
	if got, err := (connectors.LocalSecrets{Prefix: "MY_"}).Secret(t.Context(), "env:X"); err != nil || got.Reveal() != "canary-4" {
		t.Errorf("%v", err)
	}
}

type keyed struct {
	URL   string               `json:"url,omitempty" jsonschema:"format=uri,description=Where it is."`
	Key   connectors.SecretRef `json:"key,omitempty"`
	Limit int                  `json:"limit,omitempty" jsonschema:"minimum=1,maximum=1000"`
	Kinds []string             `json:"kinds,omitempty" jsonschema:"enum=a,enum=b"`
}

func (k *keyed) Validate() error {
	if k.URL == "" {
		return errors.New("url is missing")
	}
	return nil
}

// Settings are held against their schema; a secret that was typed in is refused,
// and shown to nobody.
func TestCheckSettings(t *testing.T) {
	c := connectors.New(connectors.Spec[keyed]{Name: "shop", Label: "Shop", Settings: keyed{Limit: 5}})
	for settings, want := range map[string]string{
		`{"url": "https://example.com", "key": "env:KEY"}`:  "",
		`{"url": "https://example.com", "limit": 10}`:       "",
		`{"url": "https://example.com", "limit": 0}`:        "limit",
		`{"url": "https://example.com", "limit": "canary"}`: "limit",
		`{"url": "https://example.com", "kinds": ["c"]}`:    "kinds.0",
		`{"url": "https://example.com", "kee": "canary"}`:   "kee",
		`{"url": "https://example.com", "key": "canary"}`:   "reference",
		`{"key": "env:KEY"}`:                                "url is missing",
		`{"url": 1}`:                                        "url",
		``:                                                  "url is missing",
		`{"key": canary}`:                                   "no JSON",
		`{} {}`:                                             "more behind",
	} {
		err := c.CheckSettings([]byte(settings))
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), want)) || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %v", settings, err)
		}
	}
	if schema := string(c.Schema()); !strings.Contains(schema, `"maximum":1000`) || !strings.Contains(schema, `"pattern"`) {
		t.Error(schema)
	}
}

func TestClockCheck(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for skew, ok := range map[time.Duration]bool{0: true, time.Minute: true, -time.Minute: true, time.Hour: false, -time.Hour: false} {
		h := http.Header{"Date": {now.Add(skew).Format(http.TimeFormat)}}
		if got := connectors.ClockCheck(h, now); got.OK != ok {
			t.Errorf("%s: %+v", skew, got)
		}
	}
	if got := connectors.ClockCheck(nil, now); !got.OK {
		t.Errorf("%+v", got)
	}
}
