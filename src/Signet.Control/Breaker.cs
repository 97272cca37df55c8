namespace Signet.Control;

/// <summary>
/// Stops asking a part that does not answer: after <see cref="ControlLimits.BackendFailures"/> failures in a row it is open, and lets one question through in each <see cref="ControlLimits.BackendPause"/> until
/// one is answered. Whoever is turned away meanwhile gets the same no as before, at once instead of after a wait. Safe for any number of threads.
/// </summary>
internal sealed class Breaker(TimeProvider time)
{
    private readonly Lock _one = new();
    private int _failures;
    private DateTimeOffset _next;

    public bool IsOpen
    {
        get
        {
            lock (_one) return _failures >= ControlLimits.BackendFailures;
        }
    }

    /// <summary>False: do not ask now. While it is open, true is a trial, and the next one comes a pause later whether this one is heard of or not.</summary>
    public bool MayAsk()
    {
        lock (_one)
        {
            if (_failures < ControlLimits.BackendFailures) return true;
            var now = time.GetUtcNow();
            if (now < _next) return false;
            _next = now + ControlLimits.BackendPause;
            return true;
        }
    }

    /// <summary>It was not answered. True: it opens now.</summary>
    public bool Failed()
    {
        lock (_one)
        {
            _next = time.GetUtcNow() + ControlLimits.BackendPause;
            // Not counted further: it would run over in some years of failing.
            if (_failures >= ControlLimits.BackendFailures) return false;
            return ++_failures == ControlLimits.BackendFailures;
        }
    }

    /// <summary>It was answered. True: it was open until now.</summary>
    public bool Worked()
    {
        lock (_one)
        {
            var wasOpen = _failures >= ControlLimits.BackendFailures;
            _failures = 0;
            return wasOpen;
        }
    }
}
