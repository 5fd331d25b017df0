using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Build task: makes TorchSharp's native library loadable with a libstdc++ older than GCC 13's (Debian 12, Ubuntu 22.04).
/// The library needs GLIBCXX_3.4.32 for a single symbol, `std::ios_base_library_init()`, a function without effect. The copy in the
/// output folder is patched to import a harmless function with the same signature and an older version instead; the file's
/// length and all offsets stay the same. Nothing is changed unless every pattern is found exactly once.
/// </summary>
public sealed class MakeLoadable : Task
{
    private const string Needed = "GLIBCXX_3.4.32";
    private const string Older = "GLIBCXX_3.4.20";

    [Required]
    public string Library { get; set; }

    /// <summary>Also patches if this machine's libstdc++ is new enough: for files that are copied to another machine.</summary>
    public bool Anyhow { get; set; }

    [Output]
    public string Said { get; set; }

    public override bool Execute()
    {
        if (!Anyhow && HostHas(Needed))
        {
            Said = "not needed: libstdc++ has " + Needed;
            return true;
        }
        byte[] bytes = File.ReadAllBytes(Library);
        var edits = new (byte[] From, byte[] To)[]
        {
            // Bounded by zeros: matches names in the dynamic string table, not those joined by `@` in the debug symbols.
            (Text("\0_ZSt21ios_base_library_initv\0"), Text("\0_ZSt13get_terminatev\0")),
            (Text("\0" + Needed + "\0"), Text("\0" + Older + "\0")),
            (BitConverter.GetBytes(ElfHash(Needed)), BitConverter.GetBytes(ElfHash(Older))),
        };
        int[][] places = edits.Select(edit => Find(bytes, edit.From).Take(2).ToArray()).ToArray();
        if (places.Any(found => found.Length != 1))
        {
            Said = "unchanged: not the library version that this build step supports";
            return true;
        }
        for (int i = 0; i < edits.Length; i++)
        {
            // The older symbol's name is shorter: it is followed by a terminating zero, and the rest of the old name is never read.
            Array.Clear(bytes, places[i][0], edits[i].From.Length);
            edits[i].To.CopyTo(bytes, places[i][0]);
        }
        // The output may be a hard link into the package cache: write a new file and replace the old one.
        // Same size and time as the original, so that the next build's copy step does nothing.
        DateTime time = File.GetLastWriteTimeUtc(Library);
        string beside = Library + ".loadable";
        File.WriteAllBytes(beside, bytes);
        File.SetLastWriteTimeUtc(beside, time);
        File.Delete(Library);
        File.Move(beside, Library);
        Said = "made libLibTorchSharp.so loadable without libstdc++'s " + Needed + ", which the library needs only for a function without effect";
        Log.LogMessage(MessageImportance.High, "TorchSharp: " + Said + ".");
        return true;
    }

    private static bool HostHas(string version)
    {
        string[] folders = { "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib" };
        string library = folders.Select(folder => Path.Combine(folder, "libstdc++.so.6")).FirstOrDefault(File.Exists);
        return library == null || Find(File.ReadAllBytes(library), Text(version + "\0")).Any();
    }

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);

    private static IEnumerable<int> Find(byte[] bytes, byte[] pattern)
    {
        for (int at = Array.IndexOf(bytes, pattern[0]); at >= 0 && at <= bytes.Length - pattern.Length; at = Array.IndexOf(bytes, pattern[0], at + 1))
        {
            int same = 1;
            while (same < pattern.Length && bytes[at + same] == pattern[same])
                same++;
            if (same == pattern.Length)
                yield return at;
        }
    }

    /// <summary>Hash of a symbol version in the System V ABI.</summary>
    private static uint ElfHash(string name)
    {
        uint hash = 0;
        foreach (char letter in name)
        {
            hash = (hash << 4) + letter;
            uint high = hash & 0xf0000000;
            if (high != 0)
                hash ^= high >> 24;
            hash &= ~high;
        }
        return hash;
    }
}
