namespace Signet.Agent.Tests;

/// <summary>Text that one thread writes while another looks at it.</summary>
internal sealed class LockedWriter : StringWriter
{
    private readonly Lock _one = new();

    public override void Write(char value)
    {
        lock (_one) base.Write(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        lock (_one) base.Write(buffer, index, count);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        lock (_one) base.Write(buffer);
    }

    public override void Write(string? value)
    {
        lock (_one) base.Write(value);
    }

    public override void WriteLine(string? value)
    {
        lock (_one) base.WriteLine(value);
    }

    public override Task WriteLineAsync(string? value)
    {
        WriteLine(value);
        return Task.CompletedTask;
    }

    public override string ToString()
    {
        lock (_one) return base.ToString();
    }
}
