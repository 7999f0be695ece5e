//go:build !race

package samgov_test

import (
	"slices"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
)

// A service with notices of which some are new, some changed.
func TestConformance(t *testing.T) {
	before := samgovtest.Generate(8, march.AddDate(0, -6, 0), 30)
	after := samgovtest.Generate(14, march.AddDate(0, -6, 0), 45)
	for i, n := range after {
		if i%7 == 3 {
			n.Title += ", amended"
		}
	}
	server := samgovtest.New()
	t.Cleanup(server.Close)
	connectortest.Run(t, connectortest.Subject{
		Connection: samgov.New(samgov.Settings{URL: server.URL, APIKey: "env:SAM", From: "2025-08-01", LookBack: 365, DailyLimit: 1_000_000,
			Extractor: &connectortest.Plain{}, AllowNetworks: []string{"127.0.0.0/8"}}),
		Secrets: secretMap{"env:SAM": samgovtest.Key}, HTTP: server.Client(), Batch: 4, Moves: true, Ignore: []string{"described_at", "extraction_started_at", "extracted_at"},
		Edition: func(n int) {
			server.WrongTotals(nil)
			server.Set([][]*samgovtest.Notice{before, after}[n]...)
		},
		Canaries: []string{samgovtest.Key, "signature-canary"},
		Empty:    func() { server.Set() },
		Shuffle: func() {
			all := samgovtest.Generate(14, march.AddDate(0, -6, 0), 45)
			for i, n := range all {
				if i%7 == 3 {
					n.Title += ", amended"
				}
			}
			slices.Reverse(all)
			server.Set(append(all, all[:5]...)...)
		},
	})
}
