using System.Diagnostics;
using System.Globalization;
using System.Text;
using ChannelDistillation.Native;

namespace ChannelDistillation.Bench;

/// <summary>A process that runs steps on request, so that several processes can take turns.</summary>
internal sealed class Peer : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder errors;

    private Peer(Process process, string version, StringBuilder errors)
    {
        (this.process, this.errors) = (process, errors);
        Version = version;
    }

    /// <summary>The process's description of itself.</summary>
    public string Version { get; }

    /// <summary>Peak memory so far, in MiB; 0 on systems other than Linux.</summary>
    public long PeakMemory =>
        OperatingSystem.IsLinux()
            ? File.ReadLines($"/proc/{process.Id}/status")
                .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >> 10)
                .FirstOrDefault()
            : 0;

    /// <summary>Starts this program again, with other arguments.</summary>
    public static Peer Ours(params string[] arguments) =>
        Start(Environment.ProcessPath!, [typeof(Peer).Assembly.Location, .. arguments])
        ?? throw new InvalidOperationException("The benchmark could not start itself.");

    /// <summary>Starts bench/pytorch/SCRIPT; null if no Python on this machine has PyTorch and torchvision.</summary>
    public static Peer? PyTorch(string script, params string[] arguments)
    {
        string path = Path.Combine(AppContext.BaseDirectory, "pytorch", script);
        // Debian's packages belong to Debian's Python, which need not be the first in the path.
        return new[] { "/usr/bin/python3", "python3" }.Select(python => Start(python, [path, .. arguments])).FirstOrDefault(peer => peer is not null);
    }

    /// <summary>The versions that <see cref="PyTorch"/> would use; null if there are none.</summary>
    public static string? PyTorchVersions()
    {
        using Peer? asked = PyTorch("versions.py");
        return asked?.Version;
    }

    /// <summary>Reads numbers of steps from standard input, runs them, and answers with the seconds that they took.</summary>
    /// <param name="run">Runs this many steps; returns the seconds of each part of the work.</param>
    public static void Serve(string version, Func<int, IEnumerable<double>> run)
    {
        Console.WriteLine(version);
        while (Console.ReadLine() is string line)
            Console.WriteLine(string.Join(' ', run(int.Parse(line, CultureInfo.InvariantCulture)).Select(seconds => seconds.ToString("R"))));
    }

    /// <returns>Seconds per step, for each part of the work.</returns>
    public double[] Parts(int steps)
    {
        process.StandardInput.WriteLine(steps);
        string answer = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException(Errors());
        return [.. answer.Split(' ').Select(seconds => double.Parse(seconds, CultureInfo.InvariantCulture) / steps)];
    }

    /// <returns>Seconds per step.</returns>
    public double Run(int steps) => Parts(steps).Sum();

    /// <returns>Seconds per step; null if the process has ended.</returns>
    public double? TryRun(int steps)
    {
        try
        {
            return process.HasExited ? null : Run(steps);
        }
        catch (Exception error) when (error is InvalidOperationException or IOException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private string Errors()
    {
        process.WaitForExit();
        lock (errors)
            return errors.ToString();
    }

    private static Peer? Start(string program, IEnumerable<string> arguments)
    {
        try
        {
            var start = new ProcessStartInfo(program, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            var process = Process.Start(start)!;
            // Read continuously: a process whose warnings fill the pipe would block.
            var errors = new StringBuilder();
            process.ErrorDataReceived += (_, line) =>
            {
                lock (errors)
                    errors.AppendLine(line.Data);
            };
            process.BeginErrorReadLine();
            if (process.StandardOutput.ReadLine() is string version)
                return new(process, version, errors);
            process.WaitForExit();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // The program is not installed.
        }
        return null;
    }
}
