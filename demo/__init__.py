"""The whole chain on one machine: a camera process, the tracker process, and this one, which watches and reports."""
