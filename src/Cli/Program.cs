using System.Text;
using PromptToPrompt.Cli;

// Prompts and pipes are UTF-8 whatever the locale says, and without a byte order mark.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
using var interruption = new Interruption();
return CommandLine.Run(args, interruption.Token);
