package auction

import (
	"fmt"
	"strings"
)

// List is the sale as text, one line for each lot.
func (s *Sale) List() string {
	var b strings.Builder
	for _, lot := range s.lots {
		fmt.Fprintf(&b, "%d %s: %s\n", lot.Number, lot.Name, standing(lot))
	}
	return b.String()
}

func standing(lot Lot) string {
	if lot.Bidder == "" {
		return fmt.Sprintf("from %d", lot.Reserve)
	}
	return fmt.Sprintf("%d by %s", lot.Bid, lot.Bidder)
}
