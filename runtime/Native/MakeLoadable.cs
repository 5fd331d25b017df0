using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Build task: lets TorchSharp's native library load where libstdc++ is older than GCC 13's (Debian 12, Ubuntu 22.04).
/// The library needs GLIBCXX_3.4.32 for one symbol only, `std::ios_base_library_init()`, a function without effect. The copy in the
/// output folder is changed to ask for a harmless function of the same shape and an older version instead; the length
/// of the file and the place of everything in it stay the same. Nothing is changed unless every pattern is found exactly once.
/// </summary>
public sealed class MakeLoadable : Task
{
    private const string Needed = "GLIBCXX_3.4.32";
    private const string Older = "GLIBCXX_3.4.20";

    [Required]
    public string Library { get; set; }

    /// <summary>Also where libstdc++ is new enough here: for files that are carried to another machine.</summary>
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
            // Bounded by zeros: the names in the dynamic string table, not those joined by `@` in the debugger's table.
            (Text("\0_ZSt21ios_base_library_initv\0"), Text("\0_ZSt13get_terminatev\0")),
            (Text("\0" + Needed + "\0"), Text("\0" + Older + "\0")),
            (BitConverter.GetBytes(ElfHash(Needed)), BitConverter.GetBytes(ElfHash(Older))),
        };
        int[][] places = edits.Select(edit => Find(bytes, edit.From).Take(2).ToArray()).ToArray();
        if (places.Any(found => found.Length != 1))
        {
            Said = "left alone: not the library this build step knows";
            return true;
        }
        for (int i = 0; i < edits.Length; i++)
        {
            // The older symbol's name is shorter: the terminating zero follows it and the rest of the old name is never read.
            Array.Clear(bytes, places[i][0], edits[i].From.Length);
            edits[i].To.CopyTo(bytes, places[i][0]);
        }
        // The output may be a hard link into the package cache: write a new file and put it in the old one's place.
        // Same size and time as the original, so that the next build's copy step sees nothing to do.
        DateTime time = File.GetLastWriteTimeUtc(Library);
        string beside = Library + ".loadable";
        File.WriteAllBytes(beside, bytes);
        File.SetLastWriteTimeUtc(beside, time);
        File.Delete(Library);
        File.Move(beside, Library);
        Said = "made libLibTorchSharp.so loadable where libstdc++ has no " + Needed + ", which the library needs only for a function without effect";
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

    /// <summary>The hash of a symbol version in the System V ABI.</summary>
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
