// Package weigh reads the tickets of the scales and adds them up.
package weigh

import (
	"fmt"
	"strconv"
	"strings"
)

// A Ticket is one trailer that was weighed empty and loaded, in kilograms.
type Ticket struct {
	Number  string
	Plate   string
	Variety string
	Empty   int
	Loaded  int
}

// Net is what the trailer carried, in kilograms.
func (t Ticket) Net() int {
	return t.Loaded - t.Empty
}

// ParseTicket reads a line such as "0417;KL-GR 208;grauburgunder;1840;16320".
func ParseTicket(line string) (Ticket, error) {
	fields := strings.Split(line, ";")
	if len(fields) != 5 {
		return Ticket{}, fmt.Errorf("ticket has %d fields, not 5: %q", len(fields), line)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
		if fields[i] == "" {
			return Ticket{}, fmt.Errorf("field %d is empty: %q", i+1, line)
		}
	}
	empty, err := parseWeight(fields[3])
	if err != nil {
		return Ticket{}, err
	}
	loaded, err := parseWeight(fields[4])
	if err != nil {
		return Ticket{}, err
	}
	return Ticket{fields[0], fields[1], fields[2], empty, loaded}, nil
}

func parseWeight(text string) (int, error) {
	kg, err := strconv.Atoi(text)
	if err != nil || kg < 0 {
		return 0, fmt.Errorf("not a weight: %q", text)
	}
	return kg, nil
}
