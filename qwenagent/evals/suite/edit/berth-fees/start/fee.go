// Package harbour works out what boats pay for a berth.
package harbour

// Metres is the length for which a boat pays.
func Metres(lengthCm int) int {
	panic("not written yet")
}
