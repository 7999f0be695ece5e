package content_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
)

func TestScopesOpenOnlyForTheirAuthority(t *testing.T) {
	ours, theirs := content.NewAuthority(), content.NewAuthority()
	scope := ours.Mint("org-1", "ann")
	if org, err := ours.Organization(scope); org != "org-1" || err != nil {
		t.Errorf("%q, %v", org, err)
	}
	for name, refused := range map[string]content.Scope{"zero": {}, "of another authority": theirs.Mint("org-1", "ann")} {
		if org, err := ours.Organization(refused); !errors.Is(err, content.ErrScope) || org != "" {
			t.Errorf("%s: %q, %v", name, org, err)
		}
	}
	if _, err := theirs.Organization(scope); !errors.Is(err, content.ErrScope) {
		t.Errorf("the other way round: %v", err)
	}
}

func TestScopesDoNotTravelOrTell(t *testing.T) {
	scope := content.NewAuthority().Mint("org-1", "ann")
	if b, err := json.Marshal(map[string]any{"s": scope}); err == nil {
		t.Errorf("encoded as %s", b)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, scope); got != "Scope(ann)" || strings.Contains(got, "org-1") {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	if got := fmt.Sprint(content.Scope{}); got != "Scope(none)" {
		t.Errorf("the zero Scope shows as %s", got)
	}
	if scope.Principal() != "ann" || (content.Scope{}).Principal() != "" {
		t.Error("principal")
	}
	defer func() {
		if recover() == nil {
			t.Error("a Scope without an organization was minted")
		}
	}()
	content.NewAuthority().Mint("", "ann")
}
