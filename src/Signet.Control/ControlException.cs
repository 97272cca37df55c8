namespace Signet.Control;

/// <summary>The center cannot start or go on: its own files, ports or settings. <see cref="Exception.Message"/> is one clear line that says how to mend it.</summary>
public sealed class ControlException : Exception
{
    public ControlException(string message) : base(message) { }

    public ControlException(string message, Exception inner) : base(message, inner) { }
}
