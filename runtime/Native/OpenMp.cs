namespace ChannelDistillation.Native;

/// <summary>
/// How long OpenMP's threads spin before they sleep while they wait for one another. GNU's default is many milliseconds: quick on an idle
/// machine, and up to ten times slower when anything else wants the cores, because a waiting thread keeps one from a working thread.
/// </summary>
public static class OpenMp
{
    /// <summary>Microseconds (docs/decisions/0015).</summary>
    private const string SpinCount = "1000";

    /// <summary>
    /// To be called before libtorch, and OpenMP with it, is loaded. Does nothing where the user has said how threads are to wait.
    /// </summary>
    public static void LimitSpinning()
    {
        if (!OperatingSystem.IsLinux() || IsSet("OMP_WAIT_POLICY") || IsSet("GOMP_SPINCOUNT"))
            return;
        NativeEnvironment.Set("GOMP_SPINCOUNT", SpinCount);
    }

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };
}
