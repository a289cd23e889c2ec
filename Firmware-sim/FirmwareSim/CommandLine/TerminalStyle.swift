#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What kind of thing standard error is.
enum TerminalStyle {
    static var ofStandardError: ProgressDisplay.Style {
        guard isatty(STDERR_FILENO) == 1 else { return .lines }
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return .terminal(columns: 80)
        }
        return .terminal(columns: Int(size.ws_col))
    }
}
