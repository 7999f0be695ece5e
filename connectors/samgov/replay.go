package samgov

import (
	"context"

	"github.com/curatore/curatore-go/connectors"
)

// replay makes the function that reads a notice once more from its payload, and an
// attachment from its bytes. What a request of its own has brought, the description,
// is kept.
func replay(_ context.Context, in connectors.Input[Settings]) (func(context.Context, connectors.Payload) connectors.Record, error) {
	keeper := in.Keeper(in.Settings.Extractor)
	return func(ctx context.Context, p connectors.Payload) connectors.Record {
		if len(p.Raw) == 0 {
			return connectors.ReplayAsset(ctx, keeper, p)
		}
		r := record(p.Raw)
		if n, ok := r.Row.(*Notice); ok {
			old, _ := p.Stored.(*Notice) // nil: it is not stored
			n.keepDescription(old)
		}
		return r
	}, nil
}
