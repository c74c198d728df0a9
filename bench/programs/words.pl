# Text work: split, count, sort, join and substitute over a hash of arrays of words.
use strict;
use warnings;

my $rounds = shift;
my $state = 12345;
my (%count, %lines_of);
for my $line (1 .. $rounds) {
    my @words;
    for (1 .. 12) {
        $state = ($state * 1103515245 + 12345) & 0x7fffffff;
        push @words, 'w' . int(sqrt($state >> 8)) % 9973 . chr(97 + $state % 26) x ($state % 17);
    }
    my $text = join ' ', @words;
    $text =~ s/w(\d)/v$1-/g;
    for my $word (split / /, $text) {
        $count{$word}++;
        push @{ $lines_of{$word} }, $line if $count{$word} < 20;
    }
    %lines_of = () if $line % 20000 == 0;
}
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
print join(',', map { "$_=$count{$_}" } @top), ' ', scalar(keys %count), "\n";
