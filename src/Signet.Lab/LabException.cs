namespace Signet.Lab;

/// <summary>The lab cannot start or go on. <see cref="Exception.Message"/> is one clear line that says what to do.</summary>
public sealed class LabException : Exception
{
    public LabException(string message) : base(message) { }

    public LabException(string message, Exception inner) : base(message, inner) { }
}
